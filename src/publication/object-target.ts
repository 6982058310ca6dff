import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import {
  type ApplyOptions,
  type DeletePreconditions,
  fieldManager,
  type KubernetesObject,
} from '../kubernetes/client.ts';
import { type CopyContent, contentIn, formAtHand, sizeIn } from './copy-content.ts';
import {
  type CopyOwner,
  epochOf,
  isOurCopy,
  wasWrittenByUs,
  whyForeign,
  writeAnnotations,
  writtenAtOf,
} from './copy-metadata.ts';
import type { ClusterTarget, WrittenCopy } from './target.ts';
import type { WriteFence } from './write-fence.ts';

/** What sets one kind of object apart from the others; `id` and `limitBytes` as in `Target`. */
export interface ObjectKind<T extends KubernetesObject> {
  readonly id: string;
  readonly limitBytes: number;
  /** Whether `ca.crl` is part of it; else there is one form of it only. */
  readonly carriesCrl: boolean;
  /** False where the cluster does not have this kind. */
  served(): Promise<boolean>;
  read(): Promise<T | undefined>;
  /** It holds what a copy holds and nothing else. */
  isCopyOnly(present: T): boolean;
  /** Why it cannot be patched, and has to be deleted and made anew. */
  unpatchable?(present: T): { readonly why: string; readonly holdsCopyOnly: boolean } | undefined;
  /** Deletes this very version; absent where copies are never deleted. False when it was not there. */
  remove?(preconditions: DeletePreconditions): Promise<boolean>;
  /** The copy as it stands, when nothing is to be written. */
  standing(present: T, content: CopyContent): Omit<WrittenCopy, 'change'> | undefined;
  /** Takes away what an apply would leave; true when there was something. */
  clean?(present: T, content: CopyContent): Promise<boolean>;
  /** Server-side apply. */
  apply(o: {
    readonly content: CopyContent;
    readonly annotations: Readonly<Record<string, string>>;
    /** The object must still be this one. */
    readonly guard: { readonly uid?: string; readonly resourceVersion?: string };
    readonly options: ApplyOptions;
  }): Promise<T | undefined>;
  /** Of what was just written. */
  describe(content: CopyContent): Pick<WrittenCopy, 'crlNumber' | 'crlForm' | 'caFingerprints' | 'sizeBytes'>;
}

/** Another process may write between our read and our write; each time it does, somebody has made progress. */
const attempts = 5;

/** Who writes a copy. */
export interface CopyAuthor {
  readonly owner: CopyOwner;
  readonly clock: Clock;
}

/** Reads, decides and writes the very version that was read: of two writers at once, the later one decides anew. */
export function objectTarget<T extends KubernetesObject>(
  kind: ObjectKind<T>,
  author: CopyAuthor,
): ClusterTarget {
  const { id, limitBytes } = kind;
  const { owner, clock } = author;

  async function writeOnce(content: CopyContent, fence: WriteFence) {
    const present = await kind.read();
    if (present === undefined) return create(content, await fence.epoch(0n));
    if (!isOurCopy(present, owner)) refuse(whyForeign(present), id);
    const isOurs = wasWrittenByUs(present, owner);
    if (!isOurs && !kind.isCopyOnly(present)) {
      refuse('has the labels of a copy, but holds more than one, so it is left alone. Take them off it', id);
    }
    // One that was labelled by hand is written once, to say whose it is now.
    const standing = isOurs ? kind.standing(present, content) : undefined;
    if (standing !== undefined) return { ...standing, change: 'kept', ...factsOf(present) } as const;
    const unpatchable = kind.unpatchable?.(present);
    if (unpatchable !== undefined) return replace(present, unpatchable, content, fence);
    const epoch = await fence.epoch(epochOf(present));
    // Taking something away moves the version on; the uid is then guard enough.
    const cleaned = (await kind.clean?.(present, content)) === true;
    const written = await kind.apply({
      content,
      annotations: annotationsOf(epoch),
      guard: guardOf(present, !cleaned),
      // We have just seen it to be ours; with its uid it cannot be another one of that name.
      options: { force: true },
    });
    return written && ({ ...kind.describe(content), change: 'changed', ...factsOf(written) } as const);
  }

  /** Anew in the place of one that cannot be patched. Between the two calls there is none; the next turn makes it then. */
  async function replace(
    present: T,
    { why, holdsCopyOnly }: { readonly why: string; readonly holdsCopyOnly: boolean },
    content: CopyContent,
    fence: WriteFence,
  ) {
    if (!holdsCopyOnly) refuse(`${why}, and holds more than a copy, so it is left alone`, id);
    const epoch = await fence.epoch(epochOf(present));
    const { uid = '', resourceVersion = '' } = present.metadata;
    await kind.remove?.({ uid, resourceVersion });
    const written = await create(content, epoch);
    return written && ({ ...written, change: 'changed' } as const);
  }

  async function writeInTurn(content: CopyContent, fence: WriteFence) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await writeOnce(content, fence);
      } catch (error) {
        if (attempt === attempts || !isRace(error)) throw error;
      }
    }
  }

  async function create(content: CopyContent, epoch: bigint) {
    const written = await kind.apply({
      content,
      annotations: annotationsOf(epoch),
      guard: {},
      options: { fieldManager: creatorName() },
    });
    return written && ({ ...kind.describe(content), change: 'created', ...factsOf(written) } as const);
  }

  const annotationsOf = (epoch: bigint) => writeAnnotations(owner, epoch, new Date(clock.now()));

  return {
    id,
    limitBytes,
    async write(material, wished, fence) {
      const form = kind.carriesCrl ? formAtHand(material, wished) : 'none';
      const size = sizeIn(material, form);
      if (size > limitBytes) throw tooLarge(id, size, limitBytes);
      if (!(await kind.served())) return undefined;
      return await writeInTurn(await contentIn(material, form), fence);
    },
  };
}

/**
 * The API server lets an apply create what is not there, but cannot be asked to do only that; and RBAC can limit an
 * apply to one name, a POST it cannot. Under a name that nobody else has, an object that another process made meanwhile
 * with other content is a conflict; under our usual name it would be overwritten, a newer CRL included.
 */
function creatorName(): string {
  return `${fieldManager}-create-${randomBytes(4).toString('hex')}`;
}

function factsOf(object: KubernetesObject): Pick<WrittenCopy, 'uid' | 'resourceVersion' | 'writtenAt'> {
  const writtenAt = writtenAtOf(object);
  return { ...guardOf(object, true), ...(writtenAt === undefined ? {} : { writtenAt }) };
}

function guardOf({ metadata }: KubernetesObject, withVersion: boolean) {
  const { uid, resourceVersion } = metadata;
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined || !withVersion ? {} : { resourceVersion }),
  };
}

function refuse(why: string | undefined, id: string): void {
  if (why !== undefined) throw new Fault('publication-refused', `${id} ${why}`);
}

function tooLarge(id: string, size: number, limit: number): Fault {
  return new Fault(
    'conflict',
    `${id}: the content takes ${size} bytes and such an object holds ${limit}; the last copy that fitted stays, and a shortened CRL is never written`,
  );
}

/** Lost a race: read again and decide again. A refusal by admission or by a dying namespace is a conflict too, but no race. */
function isRace(error: unknown): boolean {
  const lasting = ['admission-denied', 'namespace-terminating'];
  return (
    error instanceof Fault &&
    error.code === 'conflict' &&
    error.reasons.length > 0 &&
    error.reasons.every(({ code }) => !lasting.includes(code))
  );
}
