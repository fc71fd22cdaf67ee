// Greets, and sends back what is posted to it.
exports.handler = async (event) => {
  if (event.requestContext.http.method === 'POST') {
    return { statusCode: 200, headers: { 'content-type': 'application/octet-stream' }, body: event.body,
      isBase64Encoded: event.isBase64Encoded };
  }
  return { statusCode: 200, headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: `Hello, ${'world'}!` }) };
};
