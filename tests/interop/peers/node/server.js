// TestService by @grpc/grpc-js, stock.
//   node server.js --listen host:port|unix:/path [--cert FILE --key FILE]
'use strict';
const {grpc, testing, read, arguments: args, payload} = require('./testing');

const ECHO_INITIAL = 'x-grpc-test-echo-initial';
const ECHO_TRAILING = 'x-grpc-test-echo-trailing-bin';

// Sends the initial metadata; what is to be sent with the status is the answer.
function echoMetadata(call) {
  const initial = new grpc.Metadata();
  for (const value of call.metadata.get(ECHO_INITIAL)) initial.add(ECHO_INITIAL, value);
  if (call.metadata.get(ECHO_INITIAL).length > 0) call.sendMetadata(initial);
  const trailing = new grpc.Metadata();
  for (const value of call.metadata.get(ECHO_TRAILING)) trailing.add(ECHO_TRAILING, value);
  return trailing;
}

function askedError(request, trailing) {
  const status = request.response_status;
  if (!status || status.code === 0) return null;
  return {code: status.code, details: status.message, metadata: trailing};
}

async function answer(call, request) {
  for (const parameters of request.response_parameters) {
    if (parameters.interval_us > 0) {
      await new Promise((done) => setTimeout(done, parameters.interval_us / 1000));
    }
    call.write({payload: payload(parameters.size)});
  }
}

const implementation = {
  EmptyCall: (call, callback) => callback(null, {}, echoMetadata(call)),
  UnaryCall: (call, callback) => {
    const trailing = echoMetadata(call);
    const error = askedError(call.request, trailing);
    if (error) return callback(error);
    callback(null, {payload: payload(call.request.response_size)}, trailing);
  },
  StreamingOutputCall: async (call) => {
    const trailing = echoMetadata(call);
    await answer(call, call.request);
    call.end(trailing);
  },
  StreamingInputCall: (call, callback) => {
    const trailing = echoMetadata(call);
    let total = 0;
    call.on('data', (request) => (total += request.payload.body.length));
    call.on('end', () => callback(null, {aggregated_payload_size: total}, trailing));
  },
  FullDuplexCall: (call) => {
    const trailing = echoMetadata(call);
    let last = Promise.resolve();
    call.on('data', (request) => {
      const error = askedError(request, trailing);
      if (error) return call.emit('error', error);
      last = last.then(() => answer(call, request));
    });
    call.on('end', () => last.then(() => call.end(trailing)));
  },
  HalfDuplexCall: (call) => {
    const trailing = echoMetadata(call);
    const requests = [];
    call.on('data', (request) => requests.push(request));
    call.on('end', async () => {
      for (const request of requests) await answer(call, request);
      call.end(trailing);
    });
  },
};

const identity = args.cert
  ? grpc.ServerCredentials.createSsl(null, [
      {private_key: read(args.key), cert_chain: read(args.cert)},
    ])
  : grpc.ServerCredentials.createInsecure();
const server = new grpc.Server();
server.addService(testing.TestService.service, implementation);
server.bindAsync(args.listen, identity, (error) => {
  if (error) throw error;
  console.log('listening on', args.listen);
});
