import { sign, verify } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { OneShot } from './one-shot.ts';

// The parent is our own program.
const { bytes, key, signature } = workerData as OneShot;
const data = new Uint8Array(bytes);
parentPort?.postMessage(signature === undefined ? sign(null, data, key) : verify(null, data, key, signature));
