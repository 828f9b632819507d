import { Token } from 'aws-cdk-lib';

/** Engine and version of a `LettaCache`. */
export class CacheEngine {
  /** Redis OSS 7.1. */
  static readonly REDIS_7_1 = CacheEngine.redis('7.1');
  /** Valkey 7.2. */
  static readonly VALKEY_7_2 = CacheEngine.valkey('7.2');
  /** Valkey 8.0. */
  static readonly VALKEY_8_0 = CacheEngine.valkey('8.0');
  /** Valkey 8.1. */
  static readonly VALKEY_8_1 = CacheEngine.valkey('8.1');

  /** Redis OSS, 7.0 or 7.1: IAM authentication begins with 7.0, and ElastiCache has no Redis OSS after 7.1. */
  static redis(version: string): CacheEngine {
    if (!Token.isUnresolved(version) && !['7.0', '7.1'].includes(version)) {
      throw new Error(
        `CacheEngine: ElastiCache has IAM authentication with Redis OSS 7.0 and 7.1, got '${version}'; use one of ` +
          'them, or `CacheEngine.valkey()` for anything newer',
      );
    }
    return new CacheEngine('redis', version);
  }

  /** Valkey, 7.2 or later, as `<major>.<minor>`. */
  static valkey(version: string): CacheEngine {
    if (!Token.isUnresolved(version) && !/^(7\.[2-9]|[8-9]\.\d|[1-9]\d\.\d)$/.test(version)) {
      throw new Error(`CacheEngine: a Valkey version is '7.2' or later, as '<major>.<minor>', got '${version}'`);
    }
    return new CacheEngine('valkey', version);
  }

  private constructor(
    /** Name of the engine, as ElastiCache has it: `redis` or `valkey`. */
    readonly engine: string,
    /** Version of the engine. */
    readonly version: string,
  ) {}
}
