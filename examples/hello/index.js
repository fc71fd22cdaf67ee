// GET /hello/{name} answers {"message":"Hello, <name>!"}; without a name in the route it greets the world.
exports.handler = async (event) => {
  const name = event.pathParameters?.name ?? 'world';
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: `Hello, ${name}!` }),
  };
};
