def GET(request):
    yield 'a'
