"""What the routes share: settings, tables, users and their sessions, files, the ledger."""
