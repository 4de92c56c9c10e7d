"""Make an account an administrator's: python make_admin.py ada@example.com.

The first one has to come from somewhere, and no request can do it.
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import update

from lib.db import db
from lib.schema import User


async def main(email: str) -> int:
    async with db.writing() as session:
        statement = update(User).where(User.email == email.lower()).values(role="admin").returning(User.id)
        found = await session.scalar(statement)
    await db.close()
    print(f"{email} is an administrator" if found else f"there is no account {email}: sign up first")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
