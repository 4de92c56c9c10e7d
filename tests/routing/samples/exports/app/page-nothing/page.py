def Page(request):
    return ''
