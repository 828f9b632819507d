/**
 * The one call of E2B's envd that Letta makes, `process.Process/Start`: protobuf in the envelopes of the Connect protocol
 * (connectrpc.com/docs/protocol, "Server-streaming"; e2b 2.0.0, `envd/process/process_pb2.py`).
 */
export class MalformedCall extends Error {}

const WIRE_VARINT = 0;
const WIRE_64 = 1;
const WIRE_BYTES = 2;
const WIRE_32 = 5;
const END_OF_STREAM = 2;

/** The shell command of a `StartRequest`. @throws MalformedCall */
export function shellCommand(body: Buffer): string {
  const [, process] = onlyField(message(body), 1, 'process');
  const config = fields(process);
  const cmd = text(config, 1);
  const args = config.filter(([number]) => number === 2).map(([, value]) => value.toString('utf8'));
  if (cmd.length !== 1 || cmd[0] !== '/bin/bash' || args.length !== 3 || args[0] !== '-l' || args[1] !== '-c') {
    throw new MalformedCall('wanted a process /bin/bash -l -c <command>, as Letta starts them');
  }
  return args[2];
}

/** The whole answer: the process started, wrote this and ended. */
export function commandAnswer({ stderr, exitCode }: { readonly stderr: string; readonly exitCode: number }): Buffer {
  const event = (number: number, value: Buffer) => envelope(0, field(1, field(number, value)));
  return Buffer.concat([
    event(1, varintField(1, 1)),
    ...(stderr === '' ? [] : [event(2, field(2, Buffer.from(stderr)))]),
    event(3, Buffer.concat([varintField(1, exitCode * 2), varintField(2, 1), field(3, Buffer.from('exited'))])),
    envelope(END_OF_STREAM, Buffer.from('{}')),
  ]);
}

/** The one message of a request. */
function message(body: Buffer): Buffer {
  if (body.length < 5) throw new MalformedCall('the body is shorter than an envelope');
  if (body[0] !== 0) throw new MalformedCall('the envelope is compressed or of a kind that is not known');
  if (body.readUInt32BE(1) !== body.length - 5) throw new MalformedCall('the envelope is not as long as it says');
  return body.subarray(5);
}

type Field = readonly [number: number, value: Buffer];

function onlyField(body: Buffer, wanted: number, name: string): Field {
  const found = fields(body).filter(([number]) => number === wanted);
  if (found.length !== 1) throw new MalformedCall(`wanted one field ${name}, got ${found.length}`);
  return found[0];
}

function text(all: readonly Field[], wanted: number): string[] {
  return all.filter(([number]) => number === wanted).map(([, value]) => value.toString('utf8'));
}

/** The fields that have a length; numbers are passed over. */
function fields(body: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= body.length) break;
      const byte = body[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedCall('a number has no end');
  };
  const skip = (length: number) => {
    if (length > body.length - at) throw new MalformedCall('a field is longer than its message');
    at += length;
    return body.subarray(at - length, at);
  };
  while (at < body.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === WIRE_VARINT) varint();
    else if (wire === WIRE_64) skip(8);
    else if (wire === WIRE_32) skip(4);
    else if (wire === WIRE_BYTES) found.push([Math.floor(key / 8), skip(varint())]);
    else throw new MalformedCall(`a field has the wire type ${wire}`);
  }
  return found;
}

function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + WIRE_BYTES]), varint(value.length), value]);
}

function varintField(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + WIRE_VARINT]), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) + 0x80);
  return Buffer.from([...bytes, value]);
}

function envelope(flags: number, data: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header[0] = flags;
  header.writeUInt32BE(data.length, 1);
  return Buffer.concat([header, data]);
}
