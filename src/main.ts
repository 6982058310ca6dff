import { cacheCompiledCode } from './compile-cache.ts';

// What is imported statically would be compiled before the cache is there.
cacheCompiledCode(process.env);
const { run } = await import('./run.ts');
await run();
