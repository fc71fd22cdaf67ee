-- For wrk: posts a body of 1 MB again and again.
wrk.method = "POST"
wrk.body = string.rep("x", 1000000)
wrk.headers["Content-Type"] = "application/octet-stream"
