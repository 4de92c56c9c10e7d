"""What REDbot has to say about one URL, as JSON on stdout: [[level, name], ...]. One a process: its loop ends once."""

from __future__ import annotations

import json
import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource


def main(url: str) -> None:
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    resource = HttpResource(config["redbot"], descend=False)
    resource.set_request(url)
    thor.events.on(resource, "check_done")(thor.stop)
    resource.check()
    thor.run()
    messages = [resource.response, *(check.response for check in resource.subreqs.values())]
    assert resource.response.status_code, f"{url} was not answered"
    print(json.dumps([[note.level.value, type(note).__name__] for message in messages for note in message.notes]))


if __name__ == "__main__":
    main(sys.argv[1])
