"""Guide: Global CORS via Middleware."""

from __future__ import annotations

from waypost.cors import cors

allowed_origins = ["https://your-frontend.com"]

middleware = cors(
    origins=allowed_origins,
    methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"],
    headers=["Content-Type", "Authorization"],
)

config = {"matcher": "/api/:path*"}
