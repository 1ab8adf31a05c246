// What server and client share: the services of proto/grpc/testing and the command line.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const definition = loader.loadSync('grpc/testing/test.proto', {
  includeDirs: [process.env.INTEROP_PROTOS],
  keepCase: true,
  defaults: true,
});
const testing = grpc.loadPackageDefinition(definition).grpc.testing;

// --name value pairs; what has no name is in `rest`.
function parseArguments(words) {
  const parsed = {rest: []};
  for (let at = 0; at < words.length; at++) {
    if (words[at].startsWith('--')) parsed[words[at].slice(2)] = words[++at];
    else parsed.rest.push(words[at]);
  }
  return parsed;
}

module.exports = {
  grpc,
  testing,
  read: (file) => fs.readFileSync(file),
  arguments: parseArguments(process.argv.slice(2)),
  payload: (bytes) => ({type: 'COMPRESSABLE', body: Buffer.alloc(bytes)}),
};
