import pg from 'pg';

const attempts = 3;

/**
 * Everybody who revokes goes through the serials in ascending order, but what is revoked already is changed after the rest of its
 * page was inserted: two who meet there may wait for one another, and the database ends one of them, who may try again.
 * @param work a whole transaction
 */
export async function againAfterDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isDeadlock = error instanceof pg.DatabaseError && error.code === '40P01';
      if (!isDeadlock || attempt === attempts) throw error;
    }
  }
}
