import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="link-identity" />;

export default Page;
