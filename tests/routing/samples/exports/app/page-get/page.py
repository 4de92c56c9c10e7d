def GET(request):
    return ''
