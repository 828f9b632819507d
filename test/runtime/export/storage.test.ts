import { FakeS3Server } from './fake-s3-server';

let server: FakeS3Server;
beforeEach(async () => {
  server = new FakeS3Server();
  await server.start();
});
afterEach(() => server.stop());

test('an object is written with a checksum, and read again', async () => {
  const storage = server.storage('exports');
  const stored = await storage.put("2026-01-01T00:00:00.000Z/it's (a) name+.af", 'text');
  expect(stored).toEqual({
    bytes: 4,
    sha256: '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1',
  });
  expect(server.s3.keys()).toEqual(["exports/2026-01-01T00:00:00.000Z/it's (a) name+.af"]);
  expect(String(await storage.get("2026-01-01T00:00:00.000Z/it's (a) name+.af", 4))).toBe('text');
});

test.each(['exports/letta', ''])('all folders are listed, page after page, below the prefix %j', async (prefix) => {
  const storage = server.storage(prefix);
  const times = [5, 1, 4, 2, 3].map((day) => `2026-01-0${day}T00:00:00.000Z`);
  for (const time of times) await storage.put(`${time}/manifest.json`, '{}');
  expect(await storage.folders()).toEqual([...times].sort());
  expect(await storage.has(`${times[0]}/manifest.json`)).toBe(true);
  expect(await storage.has(`${times[0]}/manifest`)).toBe(false);
});

test('a call that S3 is too busy for is made again', async () => {
  server.failures.push(503, 500);
  await server.storage('').put('a', 'b');
  expect(server.s3.keys()).toEqual(['a']);
});

test('fails with the name and the code of S3 for an object that is not there', async () => {
  await expect(server.storage('').get('nothing', 10)).rejects.toThrow(
    'S3 answered 404 to GetObject nothing (NoSuchKey)',
  );
});

test('fails for an object that is longer than it may be, and does not ask again', async () => {
  const storage = server.storage('');
  await storage.put('long', 'x'.repeat(100));
  await expect(storage.get('long', 99)).rejects.toThrow('larger than 99 bytes');
});
