import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteaArray, textArray, timestampArray } from '../../src/store/binary-array.ts';
import { createTestDatabase } from '../support/database.ts';

test('what PostgreSQL reads is what was given, nulls and empty values too', async (t) => {
  const { db } = await createTestDatabase(t);
  const bytes = [Buffer.from('00ff5c27', 'hex'), null, Buffer.alloc(0), Buffer.alloc(70_000, 7)];
  const texts = ['plain', null, '', 'Zoë "q" \\ {a,b} NULL', '漢字'];
  const times = [
    new Date(0),
    new Date('1999-12-31T23:59:59.999Z'),
    new Date('2026-11-23T12:00:00.001Z'),
    new Date('9999-12-31T23:59:59Z'),
  ];
  const [row] = await db.query({
    text: 'select $1::bytea[] as bytes, $2::text[] as texts, $3::timestamptz[] as times',
    values: [byteaArray(bytes), textArray(texts), timestampArray(times)],
  });
  assert.deepEqual(row, { bytes, texts, times });
});

test('the exact octets of an array with a null', () => {
  const expected = '00000001 00000001 00000019 00000002 00000001 00000002 6162 ffffffff';
  assert.equal(textArray(['ab', null]).toString('hex'), expected.replaceAll(' ', ''));
});
