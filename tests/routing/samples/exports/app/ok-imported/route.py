from lib.handlers import GET, get, handler, patch
