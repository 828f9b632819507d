/** Name of the database and of the schema in it. */
export const DATABASE_NAME = 'letta';
/** PostgreSQL's own port. */
export const DATABASE_PORT = 5432;
/** Name of the master user, whom only the set-up logs in as. */
export const MASTER_USER = 'letta_master';
