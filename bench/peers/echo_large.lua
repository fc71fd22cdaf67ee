-- For wrk: posts a body of 1 MB again and again. Its bytes are as different as those of a picture: equal ones would be
-- encoded and decoded faster than any that people send.
math.randomseed(1)
local bytes = {}
for i = 1, 1000000 do
  bytes[i] = string.char(math.random(0, 255))
end
wrk.method = "POST"
wrk.body = table.concat(bytes)
wrk.headers["Content-Type"] = "application/octet-stream"
