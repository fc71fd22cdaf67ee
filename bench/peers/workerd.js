export default {
  async fetch(request) {
    if (request.method === 'POST') {
      return new Response(await request.arrayBuffer(), { headers: { 'content-type': 'application/octet-stream' } });
    }
    return new Response(JSON.stringify({ message: `Hello, ${'world'}!` }),
      { headers: { 'content-type': 'application/json' } });
  },
};
