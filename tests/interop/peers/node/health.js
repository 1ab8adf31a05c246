// Health by grpc-health-check's own definition of the service, over @grpc/grpc-js. Prints lines of NAME VALUE.
//   node health.js TARGET SERVICE
'use strict';
const grpc = require('@grpc/grpc-js');
const {service} = require('grpc-health-check');

const [target, name] = process.argv.slice(2);
const Health = grpc.makeGenericClientConstructor(service, 'Health');
const client = new Health(target, grpc.credentials.createInsecure());
const inTime = () => ({deadline: new Date(Date.now() + 60000)});

const check = (service) =>
  new Promise((done) => {
    client.check({service}, inTime(), (error, reply) =>
      done(error ? grpc.status[error.code] : reply.status),
    );
  });

const watch = (service) =>
  new Promise((done) => {
    const call = client.watch({service}, inTime());
    call.on('error', (error) => done(grpc.status[error.code]));
    call.on('data', (reply) => {
      done(reply.status);
      call.cancel();
    });
  });

async function main() {
  console.log('check', await check(''));
  console.log('check-service', await check(name));
  console.log('check-unknown', await check('nobody.Knows'));
  console.log('watch', await watch(name));
  client.close();
}
main();
