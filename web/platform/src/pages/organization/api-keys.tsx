import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="api-keys" />;

export default Page;
