// gRPC's interoperability cases by @grpc/grpc-js, stock. One line a case: "ok  NAME" or "FAIL  NAME  why".
//   node client.js --target host:port|unix:/path [--ca FILE --server-name NAME] CASE...
'use strict';
const assert = require('assert');
const zlib = require('zlib');
const {grpc, testing, read, arguments: args, payload} = require('./testing');

const ECHO_INITIAL = 'x-grpc-test-echo-initial';
const ECHO_TRAILING = 'x-grpc-test-echo-trailing-bin';
const REQUEST_BYTES = [27182, 8, 1828, 45904];
const REPLY_BYTES = [31415, 9, 2653, 58979];
const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1F608}\t\n';
const DEADLINE_MS = 60000;
const CONCURRENT_CALLS = 100;
const PLAIN = {flags: 2}; // WriteFlags.NoCompress, which the package does not export
const COMPRESSED = {flags: 0};

// grpc-js hides grpc-encoding and the flag of a message; but it makes a decompressor for each message that came with it.
let decompressed = 0;
const createGunzip = zlib.createGunzip;
Object.defineProperty(zlib, 'createGunzip', {
  value: (...words) => {
    decompressed++;
    return createGunzip(...words);
  },
});

const inTime = (ms = DEADLINE_MS) => ({deadline: new Date(Date.now() + ms)});
const sizes = (replies) => replies.map((reply) => reply.payload.body.length);
const large = () => ({response_size: 314159, payload: payload(271828)});

function connect(more = {}) {
  const identity = args.ca
    ? grpc.credentials.createSsl(read(args.ca))
    : grpc.credentials.createInsecure();
  const options = args['server-name']
    ? {'grpc.ssl_target_name_override': args['server-name'], ...more}
    : more;
  return new testing.TestService(args.target, identity, options);
}

// A channel that compresses what is not sent with PLAIN.
async function withCompression(run) {
  const client = connect({'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip});
  try {
    await run(client);
  } finally {
    client.close();
  }
}

// An option of a call: its messages are sent with these contexts. A stream's write() has the flags where Node's streams have
// an encoding, and Node refuses what is not one.
function sentWith(...contexts) {
  class Call extends grpc.InterceptingCall {
    sendMessageWithContext(context, message) {
      super.sendMessageWithContext({...context, ...contexts.shift()}, message);
    }
  }
  return {interceptors: [(options, next) => new Call(next(options))]};
}

// {error, reply, initial, trailing} of a call of one reply. `begin`: what to do with the call.
function unary(client, method, request, metadata = new grpc.Metadata(), begin = () => {}, more = {}) {
  return new Promise((done) => {
    const outcome = {};
    const options = {...inTime(), ...more};
    const words = request === null ? [metadata, options] : [request, metadata, options];
    const call = client[method](...words, (error, reply) => Object.assign(outcome, {error, reply}));
    call.on('metadata', (initial) => (outcome.initial = initial));
    call.on('status', (status) => setImmediate(done, {...outcome, trailing: status.metadata}));
    begin(call);
  });
}

// The same of a call of many replies; `onReply` sees each.
function stream(call, onReply = () => {}) {
  return new Promise((done) => {
    const outcome = {replies: [], error: null};
    call.on('metadata', (initial) => (outcome.initial = initial));
    call.on('data', (reply) => {
      outcome.replies.push(reply);
      onReply(outcome.replies.length);
    });
    call.on('error', (error) => (outcome.error = error));
    call.on('status', (status) => setImmediate(done, {...outcome, trailing: status.metadata}));
  });
}

function assertError(outcome, code, details) {
  assert.ok(outcome.error, 'the call did not fail');
  assert.strictEqual(outcome.error.code, code);
  if (details !== undefined) assert.strictEqual(outcome.error.details, details);
}

async function largeUnary(client) {
  const {error, reply} = await unary(client, 'UnaryCall', large());
  assert.ifError(error);
  assert.strictEqual(reply.payload.body.length, 314159);
}

async function compressedUnary(client, value, context) {
  const request = {...large(), expect_compressed: {value}};
  return unary(client, 'UnaryCall', request, undefined, undefined, sentWith(context));
}

// Requests are [bytes, what they say, context].
async function compressedStream(client, ...requests) {
  const send = (call) => {
    for (const [bytes, value] of requests) {
      call.write({payload: payload(bytes), expect_compressed: {value}});
    }
    call.end();
  };
  const contexts = requests.map((request) => request[2]);
  return unary(client, 'StreamingInputCall', null, undefined, send, sentWith(...contexts));
}

const cases = {
  async empty_unary(client) {
    assert.ifError((await unary(client, 'EmptyCall', {})).error);
  },
  large_unary: largeUnary,
  async client_streaming(client) {
    const send = (call) => {
      for (const bytes of REQUEST_BYTES) call.write({payload: payload(bytes)});
      call.end();
    };
    const {error, reply} = await unary(client, 'StreamingInputCall', null, undefined, send);
    assert.ifError(error);
    assert.strictEqual(reply.aggregated_payload_size, 74922);
  },
  async server_streaming(client) {
    const request = {response_parameters: REPLY_BYTES.map((size) => ({size}))};
    const {error, replies} = await stream(client.StreamingOutputCall(request, inTime()));
    assert.ifError(error);
    assert.deepStrictEqual(sizes(replies), REPLY_BYTES);
  },
  client_compressed_unary: () =>
    withCompression(async (client) => {
      const probe = await compressedUnary(client, true, PLAIN);
      assertError(probe, grpc.status.INVALID_ARGUMENT);
      for (const [value, context] of [
        [true, COMPRESSED],
        [false, PLAIN],
      ]) {
        const {error, reply} = await compressedUnary(client, value, context);
        assert.ifError(error);
        assert.strictEqual(reply.payload.body.length, 314159);
      }
    }),
  client_compressed_streaming: () =>
    withCompression(async (client) => {
      const probe = await compressedStream(client, [27182, true, PLAIN]);
      assertError(probe, grpc.status.INVALID_ARGUMENT);
      const {error, reply} = await compressedStream(
        client,
        [27182, true, COMPRESSED],
        [45904, false, PLAIN],
      );
      assert.ifError(error);
      assert.strictEqual(reply.aggregated_payload_size, 73086);
    }),
  async server_compressed_unary(client) {
    for (const value of [true, false]) {
      decompressed = 0;
      const request = {...large(), response_compressed: {value}};
      const {error, reply} = await unary(client, 'UnaryCall', request);
      assert.ifError(error);
      assert.strictEqual(decompressed, value ? 1 : 0, 'messages that came compressed');
      assert.strictEqual(reply.payload.body.length, 314159);
    }
  },
  async server_compressed_streaming(client) {
    const request = {
      response_parameters: [
        {size: 31415, compressed: {value: true}},
        {size: 92653, compressed: {value: false}},
      ],
    };
    decompressed = 0;
    let ofFirst;
    const {error, replies} = await stream(client.StreamingOutputCall(request, inTime()), (count) => {
      if (count === 1) ofFirst = decompressed;
    });
    assert.ifError(error);
    assert.deepStrictEqual(sizes(replies), [31415, 92653]);
    assert.deepStrictEqual([ofFirst, decompressed], [1, 1], 'messages that came compressed');
  },
  async ping_pong(client) {
    const call = client.FullDuplexCall(inTime());
    const send = (at) => {
      if (at === REPLY_BYTES.length) return call.end();
      const response_parameters = [{size: REPLY_BYTES[at]}];
      call.write({response_parameters, payload: payload(REQUEST_BYTES[at])});
    };
    const outcome = stream(call, send);
    send(0);
    const {error, replies} = await outcome;
    assert.ifError(error);
    assert.deepStrictEqual(sizes(replies), REPLY_BYTES);
  },
  async empty_stream(client) {
    const call = client.FullDuplexCall(inTime());
    call.end();
    const {error, replies} = await stream(call);
    assert.ifError(error);
    assert.strictEqual(replies.length, 0);
  },
  async custom_metadata(client) {
    const metadata = new grpc.Metadata();
    metadata.add(ECHO_INITIAL, 'test_initial_metadata_value');
    metadata.add(ECHO_TRAILING, Buffer.from('ababab', 'hex'));
    const call = client.FullDuplexCall(metadata, inTime());
    const streamed = stream(call);
    call.write({response_parameters: [{size: 314159}], payload: payload(271828)});
    call.end();
    for (const outcome of [await unary(client, 'UnaryCall', large(), metadata), await streamed]) {
      assert.ifError(outcome.error);
      assert.deepStrictEqual(outcome.initial.get(ECHO_INITIAL), ['test_initial_metadata_value']);
      assert.deepStrictEqual(outcome.trailing.get(ECHO_TRAILING), [Buffer.from('ababab', 'hex')]);
    }
  },
  async status_code_and_message(client) {
    const response_status = {code: 2, message: 'test status message'};
    const call = client.FullDuplexCall(inTime());
    const streamed = stream(call);
    call.write({response_status});
    call.end();
    assertError(await unary(client, 'UnaryCall', {response_status}), 2, 'test status message');
    assertError(await streamed, 2, 'test status message');
  },
  async special_status_message(client) {
    const response_status = {code: 2, message: SPECIAL};
    assertError(await unary(client, 'UnaryCall', {response_status}), 2, SPECIAL);
  },
  async unimplemented_method(client) {
    assertError(await unary(client, 'UnimplementedCall', {}), grpc.status.UNIMPLEMENTED);
  },
  async unimplemented_service(client) {
    const other = new testing.UnimplementedService('unused', grpc.credentials.createInsecure(), {
      channelOverride: client.getChannel(),
    });
    assertError(await unary(other, 'UnimplementedCall', {}), grpc.status.UNIMPLEMENTED);
  },
  async cancel_after_begin(client) {
    const cancel = (call) => setImmediate(() => call.cancel());
    const outcome = await unary(client, 'StreamingInputCall', null, undefined, cancel);
    assertError(outcome, grpc.status.CANCELLED);
  },
  async cancel_after_first_response(client) {
    const call = client.FullDuplexCall(inTime());
    const outcome = stream(call, () => call.cancel());
    call.write({response_parameters: [{size: 31415}], payload: payload(27182)});
    assertError(await outcome, grpc.status.CANCELLED);
  },
  async timeout_on_sleeping_server(client) {
    const call = client.FullDuplexCall(inTime(1));
    const outcome = stream(call);
    call.write({payload: payload(27182)});
    assertError(await outcome, grpc.status.DEADLINE_EXCEEDED);
  },
  async rpc_soak(client) {
    for (let at = 0; at < 10; at++) await largeUnary(client);
  },
  async channel_soak() {
    for (let at = 0; at < 10; at++) {
      const client = connect();
      await largeUnary(client);
      client.close();
    }
  },
  async concurrent_large_unary(client) {
    await Promise.all(Array.from({length: CONCURRENT_CALLS}, () => largeUnary(client)));
  },
};

async function main() {
  for (const name of args.rest) {
    const client = connect();
    try {
      await cases[name](client);
      console.log('ok   ', name);
    } catch (error) {
      process.exitCode = 1;
      console.log('FAIL ', name, '', String(error.message).replace(/\n/g, ' '));
    }
    client.close();
  }
}
main();
