def wrap(function):
    return function


def _list(request):
    return None


post = wrap(_list)
