import fc from 'fast-check';
import { createServer } from 'node:net';
import { isClosedAddress } from '../../../../runtime/contract';
import { ClosedAddress, connectOutside } from '../../../../runtime/gateway/egress/outside-connection';
import { close, listening } from '../support';

test.each([
  '0.0.0.0',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '169.254.170.2',
  '224.0.0.251',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'ff02::1',
  'fd00:ec2::254',
  '::ffff:127.0.0.1',
  '::ffff:169.254.170.2',
  '::ffff:a9fe:aa02',
  '::127.0.0.1',
  '::a9fe:aa02',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::169.254.170.2',
  '2002:7f00:1::',
  '2002:a9fe:aa02:1:2:3:4:5',
])('%s is closed', (address) => {
  expect(isClosedAddress(address)).toBe(true);
});

test.each([
  '10.2.0.7',
  '192.0.2.1',
  '100.64.0.1',
  '2001:db8::1',
  'fd12::1',
  '::ffff:10.2.0.7',
  '64:ff9b::10.2.0.7',
  '2002:a02:7::1',
])('%s is open', (address) => {
  expect(isClosedAddress(address)).toBe(false);
});

const group = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);

test.each<[string, (...parts: string[]) => string]>([
  ['mapped', (...parts) => `::ffff:${parts.join('.')}`],
  ['compatible', (...parts) => `::${parts.join('.')}`],
  ['translated', (...parts) => `::ffff:0:${parts.join('.')}`],
  ['NAT64', (...parts) => `64:ff9b::${parts.join('.')}`],
  ['6to4', (a, b, c, d) => `2002:${group(a, b)}:${group(c, d)}::1`],
])('an IPv4 address is as closed inside an IPv6 one as by itself: %s', (_how, inside) => {
  const closedOnes = fc.constantFrom('127.0.0.1', '169.254.170.2', '0.0.0.0', '224.0.0.1');
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), closedOnes), (address) => {
      expect(isClosedAddress(inside(...address.split('.')))).toBe(isClosedAddress(address));
    }),
  );
});

test.each([['127.0.0.1'], ['localhost'], ['::1'], ['::ffff:127.0.0.1'], ['127.1'], ['2130706433'], ['0x7f000001']])(
  'a name that this machine resolves to itself leads nowhere: %s',
  async (host) => {
    let reached = 0;
    const { server, port } = await listening(createServer((socket) => void ((reached += 1), socket.destroy())));
    await expect(connectOutside(host, port)).rejects.toThrow(/closed network|ENOTFOUND|EAI_AGAIN/);
    expect(reached).toBe(0);
    await close(server);
  },
);

test('one closed address among many closes the name', async () => {
  const addresses = ['192.0.2.1', '169.254.170.2'];
  await expect(connectOutside('rebinding.example.com', 80, async () => addresses)).rejects.toThrow(
    new ClosedAddress('rebinding.example.com', '169.254.170.2'),
  );
});

test('a name is resolved once, and only what it said then is connected to', async () => {
  let reached = 0;
  const { server, port } = await listening(createServer((socket) => void ((reached += 1), socket.destroy())));
  const answers = [['2001:db8::1'], ['127.0.0.1']];
  let asked = 0;
  // 2001:db8::/32 is for documentation: no answer comes from there, though this very name leads to the server.
  await expect(connectOutside('localhost', port, async () => answers[asked++])).rejects.toThrow(/2001:db8::1/);
  expect([asked, reached]).toEqual([1, 0]);
  await close(server);
}, 20_000);

test('a name without an address is an error that says so', async () => {
  await expect(connectOutside('nothing.example.com', 80, async () => [])).rejects.toThrow(
    'nothing.example.com has no address',
  );
});
