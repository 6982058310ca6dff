import { type DestinationStream, type Logger, pino } from 'pino';
import { redactNames, secretSerializers } from './redact-names.ts';
import { scrub } from './scrub.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  /** Where the lines go; standard output when absent. */
  readonly destination?: DestinationStream;
}

/**
 * The logger of the process: JSON lines. Tokens, keys, CSRs and passwords do not reach the output: by name
 * (`redactNames`), and by shape (`scrub`) where they come inside a message.
 */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      formatters: { log: redactNames },
      serializers: { ...secretSerializers, err: describeError, error: describeError },
      hooks: { streamWrite: scrub },
      timestamp: pino.stdTimeFunctions.isoTime,
      base: null,
    },
    destination ?? pino.destination({ fd: 1, sync: false, minLength: 0 }),
  );
}

/**
 * What of an error is logged. Only these members: the errors of clients (`pg`, Kubernetes) carry whole requests
 * and answers along, Secrets included.
 */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'not an Error';
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && isPlain(error.code) ? { code: error.code } : {}),
    ...('field' in error && isPlain(error.field) ? { field: error.field } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

function isPlain(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
