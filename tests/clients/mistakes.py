"""Each line has a mistake that a type checker has to see: one that it does not see is an unused comment."""

from client import Client

api = Client().api
api.users.get()  # type: ignore[attr-defined]
api.posts.put()  # type: ignore[attr-defined]
api.posts.get(page="3")  # type: ignore[arg-type]
api.posts.get(pages=3)  # type: ignore[call-arg]
api.posts.post(body={"tags": []})  # type: ignore[typeddict-item]
api.posts.post()  # type: ignore[call-arg]
api.posts("one")  # type: ignore[arg-type]
api.files("a")  # type: ignore[arg-type]
api.files.post(form={"file": 1})  # type: ignore[typeddict-item]
api.posts(1).get()["name"]  # type: ignore[typeddict-item]
api.internal.get()  # type: ignore[attr-defined]
