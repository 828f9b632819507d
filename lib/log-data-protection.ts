import * as logs from 'aws-cdk-lib/aws-logs';

const CREDENTIALS = [
  logs.DataIdentifier.AWSSECRETKEY,
  logs.DataIdentifier.OPENSSHPRIVATEKEY,
  logs.DataIdentifier.PGPPRIVATEKEY,
  logs.DataIdentifier.PKCSPRIVATEKEY,
  logs.DataIdentifier.PUTTYPRIVATEKEY,
  // As clients of the API send its password, and as logins by IAM are signed.
  new logs.CustomDataIdentifier('BearerToken', 'Bearer [A-Za-z0-9._-]{16,200}'),
  new logs.CustomDataIdentifier('AwsSignature', 'X-Amz-Signature=[0-9a-f]{64}'),
];

const PERSONAL_DATA = [
  logs.DataIdentifier.ADDRESS,
  logs.DataIdentifier.EMAILADDRESS,
  logs.DataIdentifier.CREDITCARDNUMBER,
  logs.DataIdentifier.CREDITCARDSECURITYCODE,
  logs.DataIdentifier.BANKACCOUNTNUMBER_DE,
  logs.DataIdentifier.BANKACCOUNTNUMBER_ES,
  logs.DataIdentifier.BANKACCOUNTNUMBER_FR,
  logs.DataIdentifier.BANKACCOUNTNUMBER_GB,
  logs.DataIdentifier.BANKACCOUNTNUMBER_IT,
  logs.DataIdentifier.BANKACCOUNTNUMBER_US,
  logs.DataIdentifier.PASSPORTNUMBER_US,
  logs.DataIdentifier.PHONENUMBER_DE,
  logs.DataIdentifier.PHONENUMBER_ES,
  logs.DataIdentifier.PHONENUMBER_FR,
  logs.DataIdentifier.PHONENUMBER_GB,
  logs.DataIdentifier.PHONENUMBER_IT,
  logs.DataIdentifier.PHONENUMBER_US,
  logs.DataIdentifier.SSN_US,
];

/**
 * What CloudWatch Logs hides in log groups: who may not `logs:Unmask` sees asterisks. CloudWatch charges by the GB that is
 * looked through. Nothing of the gateway's own writes such things; Letta's own lines and their libraries' may.
 *
 * Source: "Types of data that you can protect", Amazon CloudWatch Logs User Guide.
 */
export class LogDataProtection {
  /**
   * Hides keys, tokens and signatures, mail and postal addresses, phone, bank, card and social security numbers. Names and
   * IP addresses stay, without which a log of requests is of no use.
   */
  public static credentialsAndPersonalData(): logs.DataProtectionPolicy {
    return new logs.DataProtectionPolicy({
      name: 'credentials-and-personal-data',
      description: 'Hides credentials and personal data',
      identifiers: [...CREDENTIALS, ...PERSONAL_DATA],
    });
  }

  private constructor() {}
}
