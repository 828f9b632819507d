import { Duration } from 'aws-cdk-lib';

/** How `LettaService.scaleOnTurns` follows the load. */
export interface TurnScalingProps {
  /**
   * Fewest tasks. At least 1: without a task nobody counts turns, and nothing would ever scale out again.
   *
   * @default - `desiredCount` of the service
   */
  readonly minCapacity?: number;

  /** Most tasks. The database must have connections for twice as many, since a deployment runs old and new ones beside each other. */
  readonly maxCapacity: number;

  /**
   * Turns in flight that a task should have on average, below `maxConcurrentTurns` of the service: beyond that, turns are
   * refused, and no more are ever in flight than that many.
   *
   * @default - half of `maxConcurrentTurns`, so that a task has room while another one starts
   */
  readonly turnsPerTask?: number;

  /**
   * How long after scaling out it is not done again. A task takes a minute or two until it is healthy.
   *
   * @default Duration.minutes(2)
   */
  readonly scaleOutCooldown?: Duration;

  /**
   * How long after scaling in it is not done again. A task that is leaving still counts among the tasks, with fewer and fewer
   * turns, until it has drained.
   *
   * @default - `deregistrationDelay` of the service, at least five minutes
   */
  readonly scaleInCooldown?: Duration;
}
