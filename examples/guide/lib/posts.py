"""The queries. What a client may write is what these functions take, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import select
from waypost import forbidden

from lib.db import session
from lib.schema import Post, now

Sort = Literal["date", "title"]


def slug_of(title: str) -> str:
    """Letters, digits and dashes; never empty. A link has the id beside it, so two posts may share one."""
    return re.sub(r"[^\w]+", "-", title.lower()).strip("-") or "post"


async def list_posts(page: int, limit: int) -> Sequence[Post]:
    async with session() as db:
        found = await db.scalars(select(Post).order_by(Post.id).limit(limit).offset((page - 1) * limit))
        return found.all()


async def find_posts(query: str, sort: Sort, tags: Sequence[str]) -> Sequence[Post]:
    """At most twenty posts whose title has `query`, and whose content has each of `tags` as #tag."""
    statement = select(Post).where(Post.title.contains(query, autoescape=True))  # % and _ are no wildcards
    for tag in tags:
        statement = statement.where(Post.content.contains(f"#{tag}", autoescape=True))
    order = Post.title if sort == "title" else Post.created_at.desc()
    async with session() as db:
        return (await db.scalars(statement.order_by(order, Post.id).limit(20))).all()


async def get_post(post_id: int) -> Post | None:
    async with session() as db:
        return await db.get(Post, post_id)


async def create_post(author_id: str, title: str, content: str) -> Post:
    post = Post(author_id=author_id, title=title, content=content, slug=slug_of(title))
    async with session.begin() as db:
        db.add(post)
    return post


async def update_post(post_id: int, author_id: str, changes: Mapping[str, str]) -> Post | None:
    """None for no such post; 403 for a post of someone else."""
    async with session.begin() as db:
        post = _own_post(await db.get(Post, post_id), author_id)
        if post is not None:
            for column, value in changes.items():
                setattr(post, column, value)
            post.updated_at = now()
        return post


async def delete_post(post_id: int, author_id: str) -> bool:
    """False for no such post; 403 for a post of someone else."""
    async with session.begin() as db:
        post = _own_post(await db.get(Post, post_id), author_id)
        if post is not None:
            await db.delete(post)
        return post is not None


def _own_post(post: Post | None, author_id: str) -> Post | None:
    if post is not None and post.author_id != author_id:
        forbidden()
    return post
