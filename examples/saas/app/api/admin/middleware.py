"""Everything below /api/admin is for administrators."""

from __future__ import annotations

from lib.auth import with_auth

middleware = with_auth(role="admin")
