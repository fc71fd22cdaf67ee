const AWS = require('aws-sdk');
const lambda = new AWS.Lambda();
exports.handler = async (event, context) => {
  const response = { statusCode: 200, body: JSON.stringify({ message: 'Hello, world!' }) };
  return response;
};
