"""What the routes share: the database, the posts, and the checks on what clients send."""
