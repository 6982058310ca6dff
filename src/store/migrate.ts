/**
 * Brings the schema up to the newest file of `directory`, all of it in one transaction, one process at a time.
 * @param url of the database
 * @throws MigrationError with one line: a newer schema, a changed file, a failing statement
 */
export declare function migrate(url: string, directory: string): Promise<{ version: number }>;
