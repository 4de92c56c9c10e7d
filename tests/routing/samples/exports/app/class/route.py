class GET:
    def __call__(self, request):
        return None
