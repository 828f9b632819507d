import { CACHE_FAULTS, DATA_FAULTS, DATABASE_FAULTS, GUARDRAIL_FAULTS } from './data-faults';
import { EVASION_FAULTS } from './evasion-faults';
import { EXPORT_FAULTS } from './export-faults';
import { InjectedFault } from './fault';
import { LOAD_BALANCER_FAULTS } from './load-balancer-faults';
import { NETWORK_FAULTS } from './network-faults';
import { READING_FAULTS } from './reading-faults';
import { ROLE_FAULTS } from './role-faults';
import { SANDBOX_FAULTS } from './sandbox-faults';
import { TASK_FAULTS } from './task-faults';

/** Everything that the tests make wrong in good templates, one at a time. */
export const FAULTS: InjectedFault[] = [
  ...NETWORK_FAULTS,
  ...LOAD_BALANCER_FAULTS,
  ...TASK_FAULTS,
  ...ROLE_FAULTS,
  ...SANDBOX_FAULTS,
  ...GUARDRAIL_FAULTS,
  ...DATABASE_FAULTS,
  ...CACHE_FAULTS,
  ...DATA_FAULTS,
  ...EXPORT_FAULTS,
  ...READING_FAULTS,
  ...EVASION_FAULTS,
];
