-- wrk: one POST of the order, prepared once. BENCH_BODY is the path of the file.
wrk.method = "POST"
wrk.headers["Content-Type"] = wrk.headers["Content-Type"] or "application/json"
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.body = file:read("*a")
file:close()
