import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { readCrl } from '../../src/x509/crl.ts';
import type { Answer } from '../support/http-call.ts';
import type { TestService } from '../support/service.ts';

/** A request to issue, with the key that lets it be repeated. */
export interface Order {
  readonly idempotencyKey: string;
  readonly csr: string;
}

/** What the clients were told, to hold the service to it afterwards. */
export interface Ledger {
  /** Before a request is sent: its answer may never come. */
  noteOrder(order: Order): void;
  /** A 201. Throws when it contradicts what was told before. */
  noteIssued(order: Order, answer: Answer): string;
  noteRevoked(serial: string): void;
  /** A CRL that a client fetched. @returns its number. Throws when another one had this number */
  noteCrl(der: Buffer): bigint;
  readonly orders: ReadonlyMap<string, Order>;
  /** DER by serial. */
  readonly issued: ReadonlyMap<string, Buffer>;
  readonly revoked: ReadonlySet<string>;
}

export function createLedger(): Ledger {
  const orders = new Map<string, Order>();
  const serialOfKey = new Map<string, string>();
  const issued = new Map<string, Buffer>();
  const revoked = new Set<string>();
  const crlHashes = new Map<bigint, string>();
  return {
    orders,
    issued,
    revoked,
    noteOrder: (order) => void orders.set(order.idempotencyKey, order),
    noteIssued(order, answer) {
      const serial = answer.text('serial');
      const der = new X509Certificate(answer.text('certificate')).raw;
      const known = issued.get(serial);
      assert.ok(known === undefined || known.equals(der), `two certificates with the serial ${serial}`);
      const before = serialOfKey.get(order.idempotencyKey) ?? serial;
      assert.equal(serial, before, `Idempotency-Key ${order.idempotencyKey} gave two certificates`);
      issued.set(serial, der);
      serialOfKey.set(order.idempotencyKey, serial);
      return serial;
    },
    noteRevoked: (serial) => void revoked.add(serial),
    noteCrl(der) {
      const { crlNumber } = readCrl(der);
      const hash = createHash('sha256').update(der).digest('hex');
      assert.equal(hash, crlHashes.get(crlNumber) ?? hash, `two CRLs with the number ${crlNumber}`);
      crlHashes.set(crlNumber, hash);
      return crlNumber;
    },
  };
}

/** Issues, or repeats, an order. Throws unless the answer is 201. */
export async function place(service: TestService, ledger: Ledger, order: Order): Promise<string> {
  ledger.noteOrder(order);
  const answer = await service.call('POST', '/v1/certificates', {
    body: { csr: order.csr },
    headers: { 'Idempotency-Key': order.idempotencyKey },
  });
  assert.equal(answer.status, 201, answer.body.toString());
  return ledger.noteIssued(order, answer);
}

export async function revoke(service: TestService, ledger: Ledger, serial: string): Promise<void> {
  const answer = await service.call('POST', `/v1/certificates/${serial}/revoke`, {
    body: { reason: 'superseded' },
  });
  assert.equal(answer.status, 200, answer.body.toString());
  ledger.noteRevoked(serial);
}

/** The CRL that anybody can fetch now. */
export async function fetchCrl(
  service: TestService,
  ledger: Ledger,
): Promise<{ number: bigint; serials: ReadonlySet<string> }> {
  const answer = await service.call('GET', '/crl/internal-ca.crl', { token: null });
  assert.equal(answer.status, 200, answer.body.toString());
  const serials = new Set([...readCrl(answer.body).entries()].map((entry) => entry.serial));
  return { number: ledger.noteCrl(answer.body), serials };
}

/** Every certificate that a client received is in the table, with the same bytes (rule 1). */
export async function assertAllRecorded(service: TestService, ledger: Ledger): Promise<void> {
  await inParallel([...ledger.issued], async ([serial, der]) => {
    const answer = await service.call('GET', `/v1/certificates/${serial}`, {
      headers: { Accept: 'application/pkix-cert' },
    });
    assert.equal(answer.status, 200, `${serial} was delivered and is not recorded`);
    assert.ok(answer.body.equals(der), `${serial} is recorded with other bytes than were delivered`);
  });
}

/** Every order, repeated, gives one certificate: the one that was delivered, if one was. */
export async function repeatAllOrders(service: TestService, ledger: Ledger): Promise<void> {
  await inParallel([...ledger.orders.values()], async (order) => {
    const serial = await place(service, ledger, order);
    assert.equal(await place(service, ledger, order), serial);
  });
}

export function assertListed(serials: ReadonlySet<string>, ledger: Ledger): void {
  const missing = [...ledger.revoked].filter((serial) => !serials.has(serial));
  assert.deepEqual(missing, [], 'acknowledged revocations that the CRL does not list');
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}
