"""Reading and writing posts. The routes know this module; only this module knows SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from waypost.cache import cached

from lib.answers import PostAnswer
from lib.db import db
from lib.schema import Post, now
from lib.slugs import slug_choices

POSTS_TAG = "posts"  # on everything that a new, changed or deleted post makes old


async def list_posts(page: int, limit: int) -> Sequence[Post]:
    """Posts in the order of their ids; a page past the last one is empty."""
    async with db.session() as session:
        posts = await session.scalars(select(Post).order_by(Post.id).limit(limit).offset((page - 1) * limit))
        return posts.all()


@cached(tags=[POSTS_TAG])
async def posts_page(page: int, limit: int) -> list[PostAnswer]:
    """One page of posts as the API shows them, kept until `POSTS_TAG` is updated."""
    return [PostAnswer.model_validate(post) for post in await list_posts(page, limit)]


async def get_post(post_id: int) -> Post | None:
    async with db.session() as session:
        return await session.get(Post, post_id)


async def create_post(title: str, content: str) -> Post:
    """Add a post under a slug of its own: a second "Hello" becomes "hello-2"."""
    choices = slug_choices(title)
    async with db.session() as session:
        taken = set(await session.scalars(select(Post.slug).where(Post.slug.in_(choices))))
    slug = next((slug for slug in choices if slug not in taken), choices[-1])
    try:
        return await _insert_post(title, content, slug)
    except IntegrityError:
        # Another request took the slug between the query and the insert. The last choice is nobody else's.
        return await _insert_post(title, content, choices[-1])


async def _insert_post(title: str, content: str, slug: str) -> Post:
    post = Post(title=title, content=content, slug=slug)
    async with db.session() as session:
        session.add(post)
    return post


async def update_post(post_id: int, changes: Mapping[str, str]) -> Post | None:
    """Write `changes` (column name to value) and the time. The slug stays, so that links keep working."""
    statement = update(Post).where(Post.id == post_id).values(**changes, updated_at=now()).returning(Post)
    async with db.session() as session:
        return await session.scalar(statement)


async def delete_post(post_id: int) -> bool:
    """Say whether there was such a post."""
    async with db.session() as session:
        return await session.scalar(delete(Post).where(Post.id == post_id).returning(Post.id)) is not None
