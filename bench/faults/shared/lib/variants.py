"""Headers that say that an answer is for one client: every way in which a cache was once led to share one."""

from __future__ import annotations

VARIANTS = {
    "set-cookie": {"set-cookie": "sid=1"},
    "private": {"cache-control": "private"},
    "private-case": {"cache-control": "PRIVATE, max-age=60"},
    "private-field": {"cache-control": 'private="x"'},
    "no-store": {"cache-control": "max-age=60,no-store"},
    "no-cache": {"cache-control": "no-cache"},
    "vary-all": {"vary": "*"},
    "vary-cookie": {"vary": "Cookie"},
    "vary-padded": {"vary": "Accept,   cookie "},
    "vary-auth": {"vary": "AUTHORIZATION"},
}
