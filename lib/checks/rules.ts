import { CACHE_RULES } from './cache-rules';
import { CONTAINER_RULES } from './container-rules';
import { DATA_RULES } from './data-rules';
import { DATABASE_RULES } from './database-rules';
import { ENDPOINT_RULES } from './endpoint-rules';
import { GUARDRAIL_RULES } from './guardrail-rules';
import { LETTA_CONTAINER_RULES } from './letta-container-rules';
import { LOAD_BALANCER_RULES } from './load-balancer-rules';
import { MODEL_RULES } from './model-rules';
import { NETWORK_RULES } from './network-rules';
import { ROLE_RULES } from './role-rules';
import { Rule } from './rule';
import { SANDBOX_RULES } from './sandbox-rules';
import { SECURITY_GROUP_RULES } from './security-group-rules';
import { SERVICE_RULES } from './service-rules';

/** All rules of `LettaChecks`, in the order of the documentation. */
export const RULES: readonly Rule[] = [
  ...SECURITY_GROUP_RULES,
  ...NETWORK_RULES,
  ...ENDPOINT_RULES,
  ...LOAD_BALANCER_RULES,
  ...SERVICE_RULES,
  ...CONTAINER_RULES,
  ...LETTA_CONTAINER_RULES,
  ...SANDBOX_RULES,
  ...ROLE_RULES,
  ...MODEL_RULES,
  ...GUARDRAIL_RULES,
  ...DATABASE_RULES,
  ...CACHE_RULES,
  ...DATA_RULES,
];
