"""Credits: what was paid, what was spent. Every change is an entry and a new balance, in one transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from lib.db import db
from lib.schema import EVENT_ID_LENGTH, MAX_AMOUNT, MAX_ID, Entry, Event, User

log = logging.getLogger(__name__)


async def add_entry(
    session: AsyncSession, user_id: int, amount: int, reason: str, event_id: str | None = None
) -> int | None:
    """Book `amount` (negative to spend) within the caller's transaction; gives the balance.

    None, and nothing is booked, where there is no such user or the balance would be negative.
    """
    balance = await session.scalar(
        update(User)
        .where(User.id == user_id, User.credits + amount >= 0)
        .values(credits=User.credits + amount)
        .returning(User.credits)
    )
    if balance is not None:
        entry = {"user_id": user_id, "amount": amount, "reason": reason, "event_id": event_id}
        await session.execute(insert(Entry).values(entry))
    return balance


async def spend(user_id: int, amount: int, reason: str) -> int | None:
    """The balance afterwards; None when there is not enough."""
    async with db.writing() as session:
        return await add_entry(session, user_id, -amount, reason)


async def give_back(user_id: int, amount: int, reason: str) -> None:
    async with db.writing() as session:
        await add_entry(session, user_id, amount, reason)


async def list_entries(page: int, limit: int, user_id: int | None = None) -> Sequence[Entry]:
    """Newest first; of one user, or of all."""
    query = select(Entry).order_by(Entry.id.desc()).limit(limit).offset((page - 1) * limit)
    async with db.reading() as session:
        return (await session.scalars(query if user_id is None else query.where(Entry.user_id == user_id))).all()


class Stripes(BaseModel):
    """Part of what Stripe sends; the rest is not looked at."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Head(Stripes):
    id: Annotated[str, Field(min_length=1, max_length=EVENT_ID_LENGTH, pattern=r"^[^\x00]*$")]
    type: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


class Checkout(Stripes):
    client_reference_id: Annotated[str, Field(pattern="^[1-9][0-9]{0,9}$")]  # the user, as we told Stripe
    amount_total: Annotated[int, Field(gt=0, le=MAX_AMOUNT)]
    payment_status: str


class CheckoutData(Stripes):
    object: Checkout


class CheckoutEvent(Stripes):
    data: CheckoutData


async def record(event: dict[str, Any]) -> str:
    """Handle an event of Stripe whose signature was good, once: "applied", "ignored", "set aside" or "duplicate".

    Its id goes into a primary key, in the transaction of its effect: both are there, or neither, whatever dies when.
    What is no event at all is "set aside" without an id to remember; Stripe sends none such.
    """
    try:
        head = Head.model_validate(event)
    except ValidationError:
        log.error("a signed event has no id or no type")
        return "set aside"
    async with db.writing() as session:
        if not await _is_first(session, head, json.dumps(event)):
            return "duplicate"
        outcome = await _apply(session, head, event)
        await session.execute(update(Event).where(Event.id == head.id).values(outcome=outcome))
    if outcome == "set aside":
        # An error would make Stripe send it again for days, and it would be no better.
        log.error("event %s is not what it should be: see the table events", head.id)
    return outcome


async def _is_first(session: AsyncSession, head: Head, payload: str) -> bool:
    values = {"id": head.id, "type": head.type, "payload": payload, "outcome": "applied"}
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    # Of two at the same moment the second waits here until the first has committed or failed.
    statement = dialect.insert(Event).values(values).on_conflict_do_nothing().returning(Event.id)
    return await session.scalar(statement) is not None


async def _apply(session: AsyncSession, head: Head, event: dict[str, Any]) -> str:
    if head.type != "checkout.session.completed":
        return "ignored"
    try:
        checkout = CheckoutEvent.model_validate(event).data.object
    except ValidationError:
        return "set aside"
    if checkout.payment_status != "paid":
        return "ignored"
    user_id = int(checkout.client_reference_id)
    if user_id > MAX_ID:
        return "set aside"
    balance = await add_entry(session, user_id, checkout.amount_total, "payment", head.id)
    return "set aside" if balance is None else "applied"
