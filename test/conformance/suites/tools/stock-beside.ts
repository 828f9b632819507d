import path from 'node:path';
import type { ChatModel } from '../../../../runtime/contract';
import { GatewayVariable } from '../../../../runtime/contract';
import { directDatabase } from '../../../bench/direct-database';
import { StockServer } from '../../../bench/stock-server';
import { enterLab } from '../../../lab/enter';
import { readLog } from '../../../lab/logs';
import { Address } from '../../../lab/namespace';
import { lettaVenv } from '../../../lab/parts/letta-venv';
import type { Deployed } from '../../deployed';
import { list } from './server-of';
import { ToolCalls } from './tool-calls';

/** Beside the lab's front, which listens at RDS's. */
const STOCK_DATABASE_PORT = 5433;

/** A stock Letta beside a deployment: started before the first test, stopped after the last. */
export class StockBeside {
  private server?: StockServer;
  private folder = '';

  constructor(deployed: Deployed) {
    let relay: { stop(): void } | undefined;
    beforeAll(async () => {
      const { vpc } = await enterLab();
      const { services, folder } = deployed.lab;
      this.folder = path.join(folder, 'stock');
      relay = await directDatabase(services.postgres, STOCK_DATABASE_PORT);
      this.server = await StockServer.start({
        postgres: services.postgres,
        letta: await lettaVenv({ trim: false }),
        database: `${Address.DATABASE}:${STOCK_DATABASE_PORT}`,
        namespace: vpc.name,
        chatModels: list<ChatModel>(deployed, GatewayVariable.CHAT_MODELS),
        folder: this.folder,
      });
    }, 300_000);
    afterAll(async () => {
      await this.server?.stop();
      relay?.stop();
    });
  }

  /** Calls of tools, which the server's own sandbox runs. */
  get calls(): ToolCalls {
    if (!this.server) throw new Error('the stock server has not been started');
    return new ToolCalls(this.server.server);
  }

  /** What its Letta printed. */
  lines(): string[] {
    return readLog(path.join(this.folder, 'letta.log')).map(({ message }) => message);
  }
}
