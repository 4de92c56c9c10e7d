db = {"posts": []}
