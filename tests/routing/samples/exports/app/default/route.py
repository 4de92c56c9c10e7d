def default(request):
    return None
