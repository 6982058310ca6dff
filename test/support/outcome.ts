interface Passed {
  readonly name: string;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Summary {
  /** Absent on the summary of the whole run. */
  readonly file?: string | undefined;
  readonly counts: {
    readonly tests: number;
    readonly passed: number;
    readonly skipped: number;
    readonly todo: number;
  };
}

/** The two events of `run()` that matter here. */
export interface TestEvents {
  on(event: 'test:pass', listener: (test: Passed) => void): unknown;
  on(event: 'test:summary', listener: (summary: Summary) => void): unknown;
}

/** Keeps the counts of a test run, and the reason of every test that did not run. */
export class Outcome {
  readonly #shorten: (file: string) => string;
  readonly #left: string[] = [];
  #counts: Counts | undefined;

  constructor(shorten: (file: string) => string) {
    this.#shorten = shorten;
  }

  follow(stream: TestEvents): void {
    stream.on('test:pass', (test) => this.#note(test));
    stream.on('test:summary', ({ file, counts }) => {
      if (file !== undefined) return;
      const skipped = counts.skipped + counts.todo;
      this.#counts = { passed: counts.passed, skipped, failed: counts.tests - counts.passed - skipped };
    });
  }

  /** With `strict`, as in CI, a test that was skipped or left as a todo is a failure: it proved nothing. */
  succeeded(strict: boolean): boolean {
    const counts = this.#counts;
    if (counts === undefined || counts.passed === 0) return false;
    return counts.failed === 0 && (!strict || counts.skipped === 0);
  }

  /** The closing lines; the last is `N passed, N failed, N skipped`. */
  summary(strict: boolean): string {
    const { passed, failed, skipped } = this.#counts ?? { passed: 0, failed: 0, skipped: 0 };
    const left = this.#left.map((line) => `  NOT RUN  ${line}\n`).join('');
    const verdict = strict && this.#left.length > 0 ? '  In CI a test that is not run is a failure.\n' : '';
    return `\n${left}${verdict}${passed} passed, ${failed} failed, ${skipped} skipped\n`;
  }

  #note({ name, file, skip, todo }: Passed): void {
    const reason = skip ?? todo;
    if (reason === undefined || reason === false) return;
    const where = file === undefined ? '' : `${this.#shorten(file)}: `;
    this.#left.push(`${where}${name}: ${reason === true || reason === '' ? 'no reason given' : reason}`);
  }
}
