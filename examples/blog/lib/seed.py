"""The posts that a new database begins with."""

from __future__ import annotations

FIRST_POSTS = [
    {
        "title": "Hello, Waypost",
        "slug": "hello-waypost",
        "content": "This post was written when the database was made. Change it, delete it, add your own.",
    },
    {
        "title": "A folder is a route",
        "slug": "a-folder-is-a-route",
        "content": "app/api/posts/route.py answers /api/posts, and app/api/posts/[id]/route.py each single post.",
    },
    {
        "title": "Check what comes in",
        "slug": "check-what-comes-in",
        "content": "Numbers out of range, unknown fields and wrong types are answered with 400 before any query runs.",
    },
]
