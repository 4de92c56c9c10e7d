from lib.guard import allow, signed_in

middleware = [allow, signed_in]
