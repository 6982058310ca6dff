import type { TokenStore } from '../access/token-store.ts';
import type { Database } from './database.ts';

export declare function createTokenStore(db: Database): TokenStore;
