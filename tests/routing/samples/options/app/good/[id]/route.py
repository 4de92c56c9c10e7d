dynamic = "force-static"
revalidate = 60
dynamic_params = False
fetch_cache = "default-no-store"
runtime = "nodejs"
max_duration = 30
preferred_region = ["fra1", "iad1"]
max_body_size = "10mb"


async def generate_static_params():
    return [{"id": "1"}]


async def GET(request):
    return None
