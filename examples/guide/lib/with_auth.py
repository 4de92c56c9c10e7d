"""Guide: Reusable Higher-Order Handler. 401 without a user; the handler takes `user`, or finds `context.user`."""

from __future__ import annotations

from lib.auth import auth

with_auth = auth.with_auth
